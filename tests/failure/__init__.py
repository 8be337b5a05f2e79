"""What shows that nothing is lost and nothing is done twice, whatever dies. docs/proof.md explains it."""
