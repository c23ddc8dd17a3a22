# test: everything a new machine needs, then every test of the solution.

run_tests() {
  need_aspire
  need_servers
  # One compiler for all projects, whatever the environment says: analyzers are most of a build, and it loads them once.
  (build Sendcat.Aspire.sln -p:UseSharedCompilation=true) || { echo "0 passed, 1 failed"; exit 1; }

  local results=$state/logs/test.log code=0
  # One project after the other: they start stores of their own, and a small machine has two cores.
  dotnet test Sendcat.Aspire.sln --no-build -m:1 2>&1 | tee "$results" || code=$?

  # A line per project: "Passed!  - Failed:     0, Passed:    12, Skipped:     0, Total:    12, …"
  local passed failed
  passed=$(sum_of Passed "$results")
  failed=$(sum_of Failed "$results")
  if [ "$code" != 0 ] && [ "$failed" = 0 ]; then
    say "a test run ended with code $code before it could count"
    failed=1
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

sum_of() { grep -E "^(Passed|Failed)! " "$2" | grep -oE "$1: +[0-9]+" | awk "{sum += \$2} END {print sum + 0}" || true; }
