namespace Sendcat.Reliability.Slo;

/// <summary>Checks what the types of a policy cannot say.</summary>
internal static class SloPolicyCheck
{
    public static IEnumerable<string> Problems(SloPolicy policy)
    {
        if (policy.BudgetDays is < 1 or > 90)
        {
            yield return "budgetDays must be between 1 and 90";
        }

        if (!policy.Tiers.ContainsKey(policy.DefaultTier))
        {
            yield return $"defaultTier {policy.DefaultTier} is not a tier";
        }

        if (!policy.Owners.ContainsKey("default"))
        {
            yield return "owners has no default";
        }

        if (!IsShare(policy.Verdict.BadShare) || policy.Verdict.MinBad < 1)
        {
            yield return "verdict needs a badShare between 0 and 1, and minBad above 0";
        }

        foreach (var problem in NoBound("verdict.firstTokenMs", policy.Verdict.FirstTokenMs))
        {
            yield return problem;
        }

        foreach (var problem in policy.Tiers.SelectMany(tier => ProblemsOf($"tiers.{tier.Key}", tier.Value))
                     .Concat(policy.Endpoints.SelectMany(endpoint => ProblemsOf($"endpoints.{endpoint.Key}", endpoint.Value)))
                     .Concat(policy.BurnAlerts.SelectMany(ProblemsOf))
                     .Concat(policy.AbsoluteAlerts.SelectMany(ProblemsOf))
                     .Concat(ProblemsOfNames(policy)))
        {
            yield return problem;
        }

        foreach (var minutes in policy.WindowMinutes.Where(minutes => minutes < 1 || minutes > policy.BudgetMinutes))
        {
            yield return $"a window of {minutes} minutes is not between one minute and the budget period";
        }
    }

    private static IEnumerable<string> ProblemsOf(string at, SloTier tier)
    {
        (string Name, double Share)[] shares =
        [
            ("availability", tier.Availability), ("minTwoXxRate", tier.MinTwoXxRate), ("maxFiveXxRate", tier.MaxFiveXxRate),
            ("maxTooManyRequestsRate", tier.MaxTooManyRequestsRate),
        ];
        return shares.Where(share => !IsShare(share.Share)).Select(share => $"{at}.{share.Name} must be between 0 and 1")
            .Concat(NoBound($"{at}.p95FirstTokenMs", tier.P95FirstTokenMs)).Concat(NoBound($"{at}.p95CompletionMs", tier.P95CompletionMs));
    }

    private static IEnumerable<string> ProblemsOf(string at, SloEndpoint endpoint)
    {
        if (endpoint.P95AcknowledgementMs is { } acknowledgement)
        {
            foreach (var problem in NoBound($"{at}.p95AcknowledgementMs", acknowledgement))
            {
                yield return problem;
            }
        }

        foreach (var (name, level) in new[] { ("warning", endpoint.Warning), ("critical", endpoint.Critical) })
        {
            foreach (var problem in NoBound($"{at}.{name}.p95Ms", level.P95Ms))
            {
                yield return problem;
            }

            if (!IsShare(level.FiveXxRate))
            {
                yield return $"{at}.{name}.fiveXxRate must be between 0 and 1";
            }
        }
    }

    private static IEnumerable<string> ProblemsOf(BurnAlert alert)
    {
        if (alert.Rate <= 0 || alert.MinRequests < 1 || alert.MinFailures < 1)
        {
            yield return $"{alert.Name} needs a rate, minRequests and minFailures above 0";
        }

        if (alert.ShortMinutes >= alert.LongMinutes)
        {
            yield return $"the short window of {alert.Name} must be shorter than the long one";
        }
    }

    private static IEnumerable<string> ProblemsOf(AbsoluteAlert alert)
    {
        if (!IsShare(alert.FailureRate) || alert.MinFailures < 1)
        {
            yield return $"{alert.Name} needs a failureRate between 0 and 1, and minFailures above 0";
        }
    }

    private static IEnumerable<string> ProblemsOfNames(SloPolicy policy) =>
        policy.BurnAlerts.Select(alert => alert.Name).Concat(policy.AbsoluteAlerts.Select(alert => alert.Name))
            .GroupBy(name => name, StringComparer.Ordinal).Where(same => same.Count() > 1).Select(same => $"{same.Key} is there twice");

    private static bool IsShare(double value) => value is > 0 and < 1;

    private static IEnumerable<string> NoBound(string at, int thresholdMs) =>
        LatencyBuckets.BoundsMs.Contains(thresholdMs) ? [] : [$"{at} must be one of {string.Join(", ", LatencyBuckets.BoundsMs)}"];
}
