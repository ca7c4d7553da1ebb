# Every target sets up what it needs and can be the first command on a fresh clone: `make help`.
.DEFAULT_GOAL := help
.PHONY: help run test compose-walk chaos chaos-feed bench check conformance events-document screenshots user login-link clean

# PYTHON if given, else the first that is new enough; if none is, the last resort says so itself.
new_enough = 'import sys; sys.exit(sys.version_info < (3, 11))'
candidates = python3.13 python3.12 python3.11 python3 python
find_python = for name in $(candidates); do $$name -c $(new_enough) 2>/dev/null && echo $$name && break; done
python = $(or $(PYTHON),$(shell $(find_python)),$(shell command -v python3 || command -v python))
bootstrap = python="$(python)"; \
	command -v "$$python" >/dev/null || \
		{ echo "MCP Chat needs Python 3.11 or newer, and there is no $${python:-python3} here." >&2; exit 1; }; \
	"$$python" mcpchat_project/bootstrap.py
migrate = .venv/bin/python manage.py migrate --verbosity 0

help: ## Show this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-15s %s\n", $$1, $$2 }'

run: ## Start everything and print a login link (PORT=8000 HOST=127.0.0.1); Ctrl-C stops it
	@$(bootstrap) && exec .venv/bin/python -m mcpchat_project.supervisor

test: export DATABASE ?= sqlite
test: ## Run the tests (TESTS="-k word" for some, DATABASE=postgres for the other database)
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m pytest $(TESTS)

compose-walk: ## Walk through docker-compose.yml without Docker: every service's own command, on PostgreSQL
	@$(bootstrap) requirements-dev.txt && MCPCHAT_REQUIRE_POSTGRES=1 exec .venv/bin/python -m pytest tests/compose

# A word that is not given leaves its default to the program.
chaos_word = $(if $($(1)),--$(2) "$($(1))")
chaos: ## Kill everything under load and count what broke (SUBAGENTS=10000 KILLS=200 REDIS_KILLS=10 WIPES=1)
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m tests.chaos \
		$(call chaos_word,SUBAGENTS,subagents) $(call chaos_word,KILLS,kills) \
		$(call chaos_word,REDIS_KILLS,redis-kills) $(call chaos_word,WIPES,wipes) \
		$(call chaos_word,SEED,seed) $(call chaos_word,SECONDS,seconds) $(call chaos_word,DATABASE,database)

chaos-feed: ## Follow feeds while they are cut and killed (CLIENTS=30 BURSTS=4 CUTS=20 BROKER_KILLS=5 WEB_KILLS=5)
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m tests.chaos_feed \
		$(call chaos_word,CLIENTS,clients) $(call chaos_word,KINDS,kinds) $(call chaos_word,WEBS,webs) \
		$(call chaos_word,BURSTS,bursts) $(call chaos_word,EVENTS,events) $(call chaos_word,SPEAKERS,speakers) \
		$(call chaos_word,CUTS,cuts) $(call chaos_word,BROKER_KILLS,broker-kills) \
		$(call chaos_word,WEB_KILLS,web-kills) $(call chaos_word,WIPES,wipes) \
		$(call chaos_word,SEED,seed) $(call chaos_word,DATABASE,database)

bench: ## Run every benchmark; make bench-NAME runs one: spawn, admission, throughput, history, chat, feed, publish, analyze, file, export (DATABASE=)
	@for name in spawn admission throughput history chat feed publish analyze file export; do $(MAKE) --no-print-directory bench-$$name || exit 1; done

# feed, publish, analyze, file and export go past the database and run once; the others run on both unless DATABASE names one.
bench-%:
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m benchmarks $* $(DATABASE)

check: ## Check format, lint, types, import rules, migrations, docs/events.md and the deploy settings
	@$(bootstrap) requirements-dev.txt
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy .
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/python manage.py events_document --check docs/events.md
	@echo manage.py check --deploy
	@HTTPS=1 SECRET_KEY="$$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		.venv/bin/python manage.py check --deploy --fail-level WARNING

conformance: ## Run the official MCP conformance suite against our client (fetches it from npm into var/)
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m tests.mcp.conformance

events-document: ## Write docs/events.md anew from the event contract (sessions_app/payloads)
	@$(bootstrap) && exec .venv/bin/python manage.py events_document --write docs/events.md

screenshots: ## Take pictures of every page into screenshots/
	@$(bootstrap) requirements-dev.txt && exec .venv/bin/python -m tests.screenshots

user: export NEW_NAME = $(NAME)
user: ## Make a user and print a login link (NAME=ann, STAFF=1 for the admin)
	@$(bootstrap) && $(migrate) && exec .venv/bin/python manage.py create_user "$$NEW_NAME" $(if $(STAFF),--staff)

# USER is in every environment; only one typed on the command line counts.
login-link: export LINK_NAME = $(if $(findstring command,$(origin USER)),$(USER),admin)
login-link: ## Print a new one-time login link (USER=admin)
	@$(bootstrap) && $(migrate) && exec .venv/bin/python manage.py login_link "$$LINK_NAME"

clean: ## Remove .venv and var, with all data
	rm -rf .venv var
