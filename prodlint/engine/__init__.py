"""From files to findings: the catalogue, the prefilter, one file, many files, the cache."""
