# test: everything a new machine needs, then every test of the solution.

run_tests() {
  need_aspire
  need_servers
  need_test_programs
  # One compiler for all projects, whatever the environment says: analyzers are most of a build, and it loads them once.
  said=yes # the counts say what failed
  (build Sendcat.Aspire.sln -p:UseSharedCompilation=true) || { echo "0 passed, 1 failed"; exit 1; }

  # A hundred processes live for seconds: what the runtime spends on making long-lived ones fast is lost on them.
  export DOTNET_TieredPGO=0 DOTNET_TC_CallCountThreshold=1000
  # No test changes a file of settings. A host that watches them costs processor time, and one of the 128 watches that Linux gives a user.
  export DOTNET_hostBuilder__reloadConfigOnChange=false
  local results=$state/logs/test.log beside=$state/logs/test-beside.log code=0 beside_id
  # The end-to-end and attack tests mostly wait, so they run beside the others. Those run one after the other: a small machine has two cores.
  test_projects tests/Sendcat.EndToEndTests tests/Sendcat.AttackTests >"$beside" 2>&1 &
  beside_id=$!
  # shellcheck disable=SC2046
  test_projects $(printf '%s\n' tests/*.UnitTests tests/*.ContractTests tests/*Tests | awk '!/EndToEnd|Attack/ && !seen[$0]++') 2>&1 | tee "$results" || code=$?
  wait $beside_id || code=$?
  tee -a "$results" <"$beside"

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

# test_projects FOLDER …
test_projects() {
  local code=0 folder
  for folder in "$@"; do dotnet test "$folder" --no-build || code=$?; done
  return $code
}

sum_of() { grep -E "^(Passed|Failed)! " "$2" | grep -oE "$1: +[0-9]+" | awk "{sum += \$2} END {print sum + 0}" || true; }
