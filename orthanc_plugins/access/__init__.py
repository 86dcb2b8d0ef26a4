"""Who may do what in Orthanc: from a token and what is addressed to a decision, and what is known of patients."""
