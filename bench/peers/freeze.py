"""Lets cryo write a contract's logs to parquet files, and prints how many rows they hold.

python freeze.py RPC CONTRACT BLOCKS FOLDER: blocks 0 to BLOCKS - 1, into a folder that is not there yet.
"""

import asyncio
import sys
from pathlib import Path

import cryo
import pyarrow.parquet

rpc, contract, blocks, folder = sys.argv[1:]
Path(folder).mkdir(parents=True)
asyncio.run(
    cryo.async_freeze(
        "logs",
        blocks=[f"0:{blocks}"],
        contract=[contract],
        rpc=rpc,
        inner_request_size=100,  # blocks of one eth_getLogs
        output_dir=folder,
        verbose=False,
    )
)
print(sum(pyarrow.parquet.read_metadata(file).num_rows for file in Path(folder).glob("*.parquet")))
