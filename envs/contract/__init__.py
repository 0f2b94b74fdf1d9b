"""What an environment is: the check, spaces, automatic reset, lanes and wrappers.

May import nothing else of ours."""
