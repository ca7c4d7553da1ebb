import sys

from mcpchat_project.supervisor.start import main

sys.exit(main())
