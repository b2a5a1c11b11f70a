"""Does a test fail when what it guards is broken? Each mutant is a named mistake that one test must notice."""
