"""The site's MkDocs hooks: one small module a job, named in mkdocs.yml."""
