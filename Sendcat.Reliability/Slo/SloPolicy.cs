using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.Reliability.Slo;

/// <summary>
/// The objectives, their alerts and their owners: the one place for all of them. The file <c>slo-policy.json</c> is part of the program.
/// </summary>
public sealed record SloPolicy
{
    /// <summary>The share of requests that a threshold of 95 of 100 requests promises.</summary>
    public const double LatencyTarget = 0.95;

    private const string DefaultOwner = "default";

    /// <summary>The policy of this build.</summary>
    public static readonly SloPolicy Default = LoadDefault();

    public required string Version { get; init; }

    /// <summary>Days over which the error budget is spent.</summary>
    public required int BudgetDays { get; init; }

    /// <summary>The tier of a deployment whose capacity tier is <c>default</c>.</summary>
    public required string DefaultTier { get; init; }

    public required IReadOnlyDictionary<string, SloTier> Tiers { get; init; }

    /// <summary>By path.</summary>
    public required IReadOnlyDictionary<string, SloEndpoint> Endpoints { get; init; }

    public required SloLevelWindow Levels { get; init; }

    public required VerdictPolicy Verdict { get; init; }

    public required IReadOnlyList<BurnAlert> BurnAlerts { get; init; }

    public required IReadOnlyList<AbsoluteAlert> AbsoluteAlerts { get; init; }

    /// <summary>By path, or by check of the release gate, for instance <c>snapshot:open_circuits</c>.</summary>
    public required IReadOnlyDictionary<string, SloOwner> Owners { get; init; }

    /// <summary>The budget period in minutes.</summary>
    [JsonIgnore]
    public int BudgetMinutes => BudgetDays * 24 * 60;

    /// <summary>The length in minutes of every window that the evaluation needs, ascending.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> WindowMinutes =>
    [
        .. BurnAlerts.SelectMany(alert => new[] { alert.LongMinutes, alert.ShortMinutes })
            .Concat(AbsoluteAlerts.Select(alert => alert.Minutes)).Append(Levels.Minutes).Append(BudgetMinutes).Distinct().Order(),
    ];

    /// <summary>The length in minutes of the longest window of an alert.</summary>
    [JsonIgnore]
    public int AlertMinutes => BurnAlerts.Select(alert => alert.LongMinutes).Concat(AbsoluteAlerts.Select(alert => alert.Minutes)).Max();

    /// <summary>Reads a policy.</summary>
    /// <exception cref="FormatException">It is not a valid policy; the message lists every problem.</exception>
    public static SloPolicy Parse(string json)
    {
        SloPolicy policy;
        try
        {
            policy = JsonSerializer.Deserialize(json, SloPolicyJson.Default.SloPolicy) ?? throw new FormatException("The policy is null.");
        }
        catch (JsonException malformed)
        {
            throw new FormatException($"The policy is not valid: {malformed.Message}", malformed);
        }

        var problems = SloPolicyCheck.Problems(policy).ToArray();
        return problems.Length == 0 ? policy : throw new FormatException($"The policy is not valid: {string.Join("; ", problems)}.");
    }

    /// <summary>The objectives' tier of a deployment.</summary>
    /// <param name="capacityTier">A value of <c>SENDCAT_CAPACITY_TIER</c>.</param>
    public string TierOf(string capacityTier) => Tiers.ContainsKey(capacityTier) ? capacityTier : DefaultTier;

    /// <summary>The owner of an endpoint or of a check.</summary>
    public SloOwner OwnerOf(string name) => Owners.TryGetValue(name, out var owner) ? owner : Owners[DefaultOwner];

    /// <summary>The objectives of a tier, by endpoint.</summary>
    /// <exception cref="KeyNotFoundException">There is no such tier.</exception>
    public IReadOnlyList<SloObjective> Objectives(string tier)
    {
        var limits = Tiers[tier];
        return
        [
            .. from endpoint in Endpoints
               from objective in ObjectivesOf(endpoint.Key, endpoint.Value, limits)
               select objective,
        ];
    }

    private IEnumerable<SloObjective> ObjectivesOf(string path, SloEndpoint endpoint, SloTier limits)
    {
        var owner = OwnerOf(path);
        yield return new(path, SliIndicator.Availability, limits.Availability, null, owner);
        if (endpoint.P95AcknowledgementMs is { } acknowledgement)
        {
            yield return new(path, SliIndicator.Acknowledgement, LatencyTarget, acknowledgement, owner);
        }
        else
        {
            yield return new(path, SliIndicator.FirstToken, LatencyTarget, limits.P95FirstTokenMs, owner);
            yield return new(path, SliIndicator.Completion, LatencyTarget, limits.P95CompletionMs, owner);
        }
    }

    private static SloPolicy LoadDefault()
    {
        using var file = typeof(SloPolicy).Assembly.GetManifestResourceStream("slo-policy.json")
            ?? throw new InvalidOperationException("The policy is not part of the program.");
        using var reader = new StreamReader(file);
        return Parse(reader.ReadToEnd());
    }
}

/// <summary>The limits of a capacity tier. Rates are shares between 0 and 1.</summary>
/// <param name="PeakStreams">Concurrent streams at which the limits are measured.</param>
/// <param name="Availability">The least share of requests that do not fail, without those that are shed.</param>
/// <param name="MinTwoXxRate">The least share of served requests among all that were served, failed or shed.</param>
/// <param name="MaxFiveXxRate">The largest share of failed ones among the same.</param>
/// <param name="MaxTooManyRequestsRate">The largest share of shed ones among the same.</param>
public sealed record SloTier(
    int PeakStreams, double Availability, double MinTwoXxRate, double MaxFiveXxRate, double MaxTooManyRequestsRate, int P95FirstTokenMs,
    int P95CompletionMs);

/// <param name="P95AcknowledgementMs">Of a webhook; null: the endpoint streams answers.</param>
public sealed record SloEndpoint(SloLevel Warning, SloLevel Critical, int? P95AcknowledgementMs = null);

/// <summary>A level of the alerting baseline. It is reached when either value is exceeded.</summary>
/// <param name="P95Ms">95 of 100 requests end within this time.</param>
/// <param name="FiveXxRate">The share of failed requests.</param>
public sealed record SloLevel(int P95Ms, double FiveXxRate);

/// <summary>When the turns of the last minute make the verdict of the health check turn.</summary>
/// <param name="BadShare">Above this share of turns that failed, were refused, are partial or wait for their first token.</param>
/// <param name="FirstTokenMs">A turn that waits longer for its first token is bad.</param>
/// <param name="MinBad">With fewer bad turns the verdict does not turn.</param>
public sealed record VerdictPolicy(double BadShare, int FirstTokenMs, int MinBad)
{
    [JsonIgnore]
    public TimeSpan FirstTokenLimit => TimeSpan.FromMilliseconds(FirstTokenMs);
}

/// <param name="Minutes">The window over which the levels are compared.</param>
/// <param name="MinRequests">With fewer requests the level is <c>ok</c>.</param>
public sealed record SloLevelWindow(int Minutes, int MinRequests);

/// <summary>
/// Alerts when the error budget burns more than <paramref name="Rate"/> times as fast as it may, in both windows: the long one shows that
/// it matters, the short one that it still lasts.
/// </summary>
/// <param name="MinRequests">The least requests in the long window; with fewer, one failure would be a catastrophe.</param>
/// <param name="MinFailures">The least bad requests in the long window.</param>
public sealed record BurnAlert(double Rate, int LongMinutes, int ShortMinutes, SloSeverity Severity, int MinRequests, int MinFailures)
{
    /// <summary>For instance <c>burn_14.4</c>.</summary>
    [JsonIgnore]
    public string Name => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"burn_{Rate}");
}

/// <summary>Alerts when nearly all requests of a window are bad, however few there are.</summary>
/// <param name="FailureRate">The least share of bad requests.</param>
/// <param name="MinFailures">The least number of bad requests.</param>
public sealed record AbsoluteAlert(int Minutes, double FailureRate, SloSeverity Severity, int MinFailures)
{
    /// <summary>For instance <c>absolute_3m</c>.</summary>
    [JsonIgnore]
    public string Name => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"absolute_{Minutes}m");
}

/// <param name="Primary">The team.</param>
/// <param name="Secondary">Who is notified next; null: nobody.</param>
public sealed record SloOwner(string Primary, string? Secondary = null);

public enum SloSeverity
{
    /// <summary>For working hours.</summary>
    Ticket,

    /// <summary>A person is called now.</summary>
    Page,
}

public static class SloSeverities
{
    /// <summary>The name in the policy, in JSON and in labels.</summary>
    public static string Name(this SloSeverity severity) => severity switch
    {
        SloSeverity.Ticket => "ticket",
        SloSeverity.Page => "page",
        _ => throw new ArgumentOutOfRangeException(nameof(severity), severity, "The severity has no name."),
    };
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, UseStringEnumConverter = true, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(SloPolicy))]
internal sealed partial class SloPolicyJson : JsonSerializerContext;
