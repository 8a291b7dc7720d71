"""An archive: a folder of Parquet files from which any warehouse can be made again."""
