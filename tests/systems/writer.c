// Appends numbered lines to a file, one fsync() each, and says a line's number once that has returned. Whatever was said
// must be in the file after any end of the machine.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int file = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  for (int n = 1; file >= 0; n++) {
    if (dprintf(file, "line %d\n", n) < 0 || fsync(file) < 0) break;
    printf("<%d>\n", n);
    fflush(stdout);
  }
  perror("writer");
  return 1;
}
