"""The platform's own service: a Flask application, one package a feature."""
