"""What schema.org and readers of fact checks ask of a ClaimReview in JSON-LD."""

from jsonschema import Draft202012Validator, FormatChecker

THING = {"type": "object", "required": ["@type", "name"], "properties": {"@type": {"type": "string"}}}
WORK = {
    "type": "object",
    "required": ["@type"],
    "properties": {
        "@type": {"enum": ["CreativeWork", "Article", "ScholarlyArticle", "Dataset"]},
        "url": {"type": "string", "format": "uri", "pattern": "^https?://"},
        "name": {"type": "string", "minLength": 1},
    },
}
SCHEMA = {
    "type": "object",
    "required": [
        "@context", "@type", "url", "claimReviewed", "author", "datePublished", "itemReviewed", "reviewRating"
    ],
    "additionalProperties": False,
    "properties": {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "ClaimReview"},
        "url": {"type": "string", "format": "uri", "pattern": "^https?://"},
        "claimReviewed": {"type": "string", "minLength": 1},
        "author": THING | {"properties": {"@type": {"enum": ["Organization", "Person"]}}},
        "datePublished": {"type": "string", "format": "date-time"},
        "itemReviewed": {
            "type": "object",
            "required": ["@type"],
            "additionalProperties": False,
            "properties": {
                "@type": {"const": "Claim"},
                "text": {"type": "string"},
                "author": THING,
                "datePublished": {"type": "string", "format": "date-time"},
                "appearance": WORK | {"required": ["@type", "url"]},
            },
        },
        "reviewRating": {
            "type": "object",
            "required": ["@type", "ratingValue", "bestRating", "worstRating", "alternateName"],
            "properties": {
                "@type": {"const": "Rating"},
                "ratingValue": {"type": "number", "minimum": 1, "maximum": 5},
                "bestRating": {"const": 5},
                "worstRating": {"const": 1},
                "alternateName": {"type": "string", "minLength": 1},
            },
        },
        "citation": {"type": "array", "items": WORK},
    },
}  # fmt: skip
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
