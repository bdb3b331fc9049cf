"""Where lists come from: the shipped files, the user's files, MMDB files; and the child process that reads them."""
