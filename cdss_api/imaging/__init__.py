"""Orthanc's studies as FHIR resources, matched with the orders that they were made for."""
