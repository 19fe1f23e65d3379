"""Verifications: asked for, done stage by stage, ended with a verdict or with the reason why there is none."""
