"""Jobs: models that run on stored series, from the rule that asks for one to its end."""
