"""Fair use per caller, for each scope that views name. The environment may set each: THROTTLE_LOAN=20/min."""

RATES = {
    "anon": "30/min",
    "user": "300/min",
    "otp_request": "5/hour",
    "otp_verify": "10/hour",
    "loan": "10/min",
    "events": "600/min",
    "policies": "600/min",
    "report": "30/min",
    "recording": "120/min",
    "claim": "60/min",
}
