"""Papers of a renewal: pure data, templates that a unit may restyle, DOCX, PDF, numbers, and how to know them again."""
