"""What is measured, a file for each row of the result; `registry` lists them."""
