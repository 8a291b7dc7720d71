"""The warehouse: its tables and views as SQL files, the client, and the migrations."""
