"""The platform: database, services, jobs, reports and the command line."""
