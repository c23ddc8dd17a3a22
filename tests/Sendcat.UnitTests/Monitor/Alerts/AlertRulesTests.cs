using Sendcat.Monitor.Alerts;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Slo;

namespace Sendcat.UnitTests.Monitor.Alerts;

/// <summary>Which facts raise which alerts, and what these say.</summary>
public sealed class AlertRulesTests
{
    [Fact]
    public void A_healthy_system_under_load_has_no_finding()
    {
        var round = AlertRules.Judge(Facts.Healthy, AlertPolicy.Default);

        Assert.Empty(round.Findings);
        Assert.Empty(round.Unknown);
    }

    [Fact]
    public void Every_bucket_has_a_threshold()
    {
        var buckets = Enum.GetValues<RateLimitBucket>().Select(bucket => bucket.Name()).Concat(["chat_admission", "chat_admission_shadow"]);

        Assert.Equal(buckets.Order(StringComparer.Ordinal), AlertPolicy.Default.BlockedFrom.Keys.Order(StringComparer.Ordinal));
        Assert.Subset(AlertPolicy.Default.BlockedFrom.Keys.ToHashSet(), AlertPolicy.Default.ContentionFrom.Keys.ToHashSet());
    }

    /// <summary>Those that the predecessor had, with its numbers.</summary>
    [Theory]
    [InlineData("whatsapp_webhook", "blocked", 40)]
    [InlineData("whatsapp_webhook", "contention_fallback", 5)]
    [InlineData("gmail_push", "blocked", 40)]
    [InlineData("gmail_push", "contention_fallback", 5)]
    [InlineData("chat_stream", "blocked", 25)]
    [InlineData("chat_stream", "contention_fallback", 3)]
    [InlineData("chat_admission", "blocked", 25)]
    [InlineData("chat_admission", "contention_fallback", 3)]
    [InlineData("gmail_oauth_callback", "blocked", 25)]
    [InlineData("chat_admission_shadow", "blocked", 25)]
    public void A_limit_raises_an_alert_from_its_threshold_on(string bucket, string outcome, int threshold)
    {
        Assert.Empty(Judge(Facts.Healthy.With($"{bucket}:{outcome}", threshold - 1)));

        var finding = Assert.Single(Judge(Facts.Healthy.With($"{bucket}:{outcome}", threshold)));

        Assert.Equal((bucket, threshold, (double)threshold), (finding.Subject, (int)finding.Observed, finding.Threshold));
        Assert.Equal((bucket, outcome), (finding.Tags["bucket"], finding.Tags["outcome"]));
        Assert.Equal((TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(30)), (finding.Kind.Cooldown, finding.Kind.Remind));
    }

    [Fact]
    public void A_flood_names_its_reason_and_its_caller()
    {
        var facts = Facts.Healthy.With("chat_admission:blocked", 900, "user_inflight")
            .With(
                conditions => conditions with
                {
                    Callers =
                    [
                        new("chat_admission", "blocked", "chat_admission:user:42", 880), new("reads", "blocked", "ip:10.0.0.1", 990),
                    ],
                });

        Assert.Equal(
            "900 requests were refused by chat_admission in 5 minutes, most for user_inflight; caller user:42 has 880 of them.",
            Assert.Single(Judge(facts)).Cause);
    }

    [Fact]
    public void A_circuit_that_nobody_tests_is_not_said_to_fail_now()
    {
        var findings = Judge(Facts.Healthy.With(new CircuitFact("ebay_search", "half_open", 4, "HTTP 503", null)));

        Assert.Equal(
            [
                "Provider ebay_search failed, and no call has shown yet whether it works again: its circuit opened after 4 failures; "
                + "the last error: HTTP 503. The next call is the test.",
                "Provider ebay_search failed, and no call has shown yet whether it works again: its circuit has not been closed for over a "
                + "minute, after 4 failures; the last error: HTTP 503. The next call is the test.",
            ],
            findings.Select(finding => finding.Cause));
    }

    [Fact]
    public void An_open_circuit_names_its_provider_and_error_and_is_a_page_after_a_minute()
    {
        var findings = Judge(Facts.Healthy.With(new CircuitFact("openrouter_chat_primary", "open", 5, "503 Service Unavailable", null)));

        Assert.Equal(["circuit_open", "circuit_open_long"], findings.Select(finding => finding.Kind.Name));
        Assert.Contains(
            "Provider openrouter_chat_primary fails: its circuit opened after 5 failures; the last error: 503", findings[0].Cause,
            StringComparison.Ordinal);
        Assert.Equal((AlertSeverity.Page, TimeSpan.FromMinutes(1)), (findings[1].Kind.Severity, findings[1].Kind.For));
    }

    [Theory]
    [InlineData("quota", "quota", "no money or quota left")]
    [InlineData("key", "key_refused", "key is refused")]
    public void A_suspension_says_what_the_provider_refuses(string reason, string kind, string sentence)
    {
        var finding = Assert.Single(Judge(Facts.Healthy.With(new CircuitFact("openrouter_chat_primary", "open", 3, null, reason))));

        Assert.Equal((kind, AlertSeverity.Page), (finding.Kind.Name, finding.Kind.Severity));
        Assert.Contains(sentence, finding.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slow_provider_is_seen_by_the_turns_that_still_wait()
    {
        var facts = Facts.Healthy.With(
            new HealthFacts(
                "failing", "provider", new("3 of 4 turns wait too long. The model provider is slow or fails", 1, 0, 0, 0, 0, 3)));

        var findings = Judge(facts);

        Assert.Equal(["turns_bad", "first_token_slow"], findings.Select(finding => finding.Kind.Name));
        Assert.Equal("provider", findings[0].Subject);
        Assert.Equal(
            "The model provider is slow: 3 of 4 turns of the last minute waited over 10 s for their first token, or still wait.",
            findings[1].Cause);
    }

    [Fact]
    public void A_single_slow_or_partial_turn_at_night_raises_nothing() =>
        Assert.Empty(Judge(Facts.Healthy.With(new HealthFacts("ok", null, new("", 1, 0, 0, 1, 1, 0)))));

    [Fact]
    public void Turns_without_their_tools_raise_an_alert() =>
        Assert.Equal(
            "partial_results", Assert.Single(Judge(Facts.Healthy.With(new HealthFacts("ok", null, new("", 9, 0, 0, 0, 2, 0))))).Kind.Name);

    [Theory]
    [InlineData(400, true)]
    [InlineData(290, false)]
    [InlineData(4, false)]
    public void Failovers_count_by_their_share_of_the_turns(int failovers, bool isRaised)
    {
        var findings = Judge(Facts.Healthy.With("provider_failover:blocked", failovers, "upstream_error"));

        Assert.Equal(isRaised ? ["failovers"] : [], findings.Select(finding => finding.Kind.Name));
        Assert.All(findings, finding => Assert.Contains("(upstream_error)", finding.Cause, StringComparison.Ordinal));
    }

    [Fact]
    public void A_full_bulkhead_raises_an_alert_of_its_provider()
    {
        var facts = Facts.Healthy;
        facts = facts with
        {
            Snapshot = facts.Snapshot! with { Bulkheads = new(new Dictionary<string, int> { ["openrouter_chat_primary"] = 24 }) },
        };

        var finding = Assert.Single(Judge(facts));

        Assert.Equal(("bulkhead_full", "openrouter_chat_primary", 24d), (finding.Kind.Name, finding.Tags["provider"], finding.Observed));
    }

    [Fact]
    public void Dead_letters_name_the_shop_whose_circuit_is_open()
    {
        var facts = Facts.Healthy.With(new QueueFindingFact("dead_letter_depth", 136, 20))
            .With(new CircuitFact("ebay_search", "open", 4, null, null));

        var finding = Assert.Single(Judge(facts), finding => finding.Kind.Name == "tool_queue");

        Assert.Equal(
            ("dead_letter_depth", "dead_letter_depth", TimeSpan.FromMinutes(15)),
            (finding.Subject, finding.Tags["kind"], finding.Kind.Cooldown));
        Assert.Equal("The tool queue has dead_letter_depth 136, more than 20. Open circuits: ebay_search.", finding.Cause);
    }

    [Fact]
    public void The_queue_is_not_judged_while_its_knob_is_off()
    {
        var facts = Facts.Healthy.With(new QueueFindingFact("queued_depth", 500, 200));
        facts = facts with
        {
            Snapshot = facts.Snapshot! with { Config = facts.Snapshot.Config with { ToolQueueAlerts = new(false, 900_000) } },
        };

        Assert.Empty(Judge(facts));
    }

    [Fact]
    public void Jobs_that_are_due_longer_than_turns_wait_raise_an_alert_only_in_lanes_that_turns_wait_for()
    {
        var facts = Facts.Healthy;
        facts = facts with
        {
            Snapshot = facts.Snapshot! with
            {
                ToolJobs = new(new Dictionary<string, LaneFacts> { ["search_web"] = new(7, 8_001, 0), ["deliveries"] = new(1, 60_000, 0) }),
            },
        };

        var finding = Assert.Single(Judge(facts));

        Assert.Equal(("tool_wait", "search_web"), (finding.Kind.Name, finding.Subject));
        Assert.EndsWith("no worker takes them.", finding.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_worker_is_named_with_the_jobs_that_it_holds()
    {
        var facts = Facts.Healthy.With(conditions => conditions with { SilentWorkers = [new("host:7:id", 2, ["search_web"], 23_000)] });

        Assert.Equal(
            "Worker host:7:id is killed or frozen: silent for 23 s with 2 running jobs (search_web).", Assert.Single(Judge(facts)).Cause);
    }

    [Fact]
    public void Each_process_that_died_is_named()
    {
        var at = new DateTimeOffset(2026, 11, 27, 21, 42, 40, TimeSpan.Zero);
        var facts = Facts.Healthy.With(conditions => conditions with { Died = [new("worker 7", at), new("api 8", at)] });

        var findings = Judge(facts);

        Assert.Equal(["process_died worker 7", "process_died api 8"], findings.Select(finding => $"{finding.Kind.Name} {finding.Subject}"));
        Assert.Equal(
            "The worker 7 was killed, crashed or is frozen: its heartbeat timed out at 21:42:40 UTC. Others go on.", findings[0].Cause);
    }

    [Fact]
    public void Stuck_leases_ending_watches_and_drift_raise_alerts()
    {
        var facts = Facts.Healthy.With(conditions => conditions with
        {
            StuckLeases = [new("scheduled_job", "renew-gmail-watches", 1)], WatchesEnding = 3, ParserDrift = ["amazon"],
        });

        Assert.Equal(
            ["lease_stuck scheduled_job:renew-gmail-watches", "watch_expiring ", "parser_drift amazon"],
            Judge(facts).Select(finding => $"{finding.Kind.Name} {finding.Subject}"));
    }

    [Fact]
    public void An_emptied_Redis_raises_an_alert() =>
        Assert.Equal("redis_emptied", Assert.Single(Judge(Facts.Healthy.With("redis_data_lost:contention_fallback", 2))).Kind.Name);

    [Fact]
    public void A_burnt_budget_is_one_alert_of_its_objective_with_the_highest_severity_of_the_policy()
    {
        var (hour, days) = (new SloWindowFact(60, 100, 90, 180), new SloWindowFact(4_320, 100, 90, 180));
        var facts = Facts.Healthy with
        {
            Slo = new(
                [
                    new("/api/chat", "availability",
                        [
                            new("burn_3", "ticket", "firing", days), new("burn_14.4", "page", "firing", hour),
                            new("burn_6", "page", "firing", hour),
                        ]),
                    new("/api/chat", "first_token", [new("burn_14.4", "page", "quiet", hour), new("burn_1", "ticket", "firing", days)]),
                ],
                []),
        };

        var burnt = Judge(facts);

        Assert.Equal(
            [("/api/chat:availability", AlertSeverity.Page), ("/api/chat:first_token", AlertSeverity.Ticket)],
            burnt.Select(finding => (finding.Subject, finding.Kind.Severity)));
        Assert.Equal(
            "availability of /api/chat: 90 of 100 requests of 60 minutes are bad, "
                + "180 times what the budget allows (burn_14.4, also burn_6, burn_3).",
            burnt[0].Cause);
    }

    [Fact]
    public void An_objective_without_a_record_is_unknown_unless_another_window_burns()
    {
        var window = new SloWindowFact(60, 100, 90, 180);
        var facts = Facts.Healthy with
        {
            Slo = new(
                [
                    new(
                        "/api/chat", "availability",
                        [new("burn_14.4", "page", "unknown", window), new("burn_1", "ticket", "quiet", window)]),
                    new(
                        "/api/gmail/push", "availability",
                        [new("burn_14.4", "page", "unknown", window), new("burn_1", "ticket", "firing", window)]),
                ],
                []),
        };

        var round = AlertRules.Judge(facts, AlertPolicy.Default);

        Assert.Equal([new AlertKey("slo_burn", "/api/chat:availability")], round.UnknownAlerts);
        Assert.Equal("/api/gmail/push:availability", Assert.Single(round.Findings).Subject);
    }

    [Fact]
    public void Without_facts_only_the_reach_of_the_API_is_judged()
    {
        var down = AlertRules.Judge(new(DateTimeOffset.UnixEpoch) { Apis = [new(Facts.Api, "no connection", null)] }, AlertPolicy.Default);
        var blind = AlertRules.Judge(
            new(DateTimeOffset.UnixEpoch) { Apis = [new(Facts.Api, null, null)], Problem = "GET /api/ops/snapshot: status 401" },
            AlertPolicy.Default);

        Assert.Equal("api_down", Assert.Single(down.Findings).Kind.Name);
        Assert.Equal("The Monitor cannot judge: GET /api/ops/snapshot: status 401.", Assert.Single(blind.Findings).Cause);
        Assert.Equal(
            ["api_down", "monitor_blind"],
            AlertRules.All.Select(rule => rule.Kind.Name).Except(down.Unknown).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_shares_are_those_of_the_verdict() =>
        Assert.Equal(
            (0.2, 2, 10d),
            (SloPolicy.Default.Verdict.BadShare, SloPolicy.Default.Verdict.MinBad, SloPolicy.Default.Verdict.FirstTokenLimit.TotalSeconds));

    private static IReadOnlyList<AlertFinding> Judge(AlertFacts facts) => AlertRules.Judge(facts, AlertPolicy.Default).Findings;
}
