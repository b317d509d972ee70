"""Many repositories: `prodlint fleet` (extra `prodlint[fleet]`: Dask spreads them over processes and machines, pyarrow keeps what was found).

A *source* names a repository. Each is one task, a large one several: `scan.task` brings it to the worker (`checkout`) and has a process of its own
(`process`, `child`) read it, so that one that hangs, takes all memory or kills its reader is one row of the dataset and nobody else's trouble. The run
(`run`) hands tasks out and writes what comes back into Parquet (`dataset`). `summary` asks the dataset, `policy` judges it, the pages tell it.

What repositories hold is a stranger's: it is read by the one git module and by the same engine as everywhere, and no value of a secret leaves the
process that read it.
"""
