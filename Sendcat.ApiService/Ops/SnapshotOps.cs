using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.Integrations.Tools;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.RateLimiting;
using Sendcat.Reliability.Snapshot;
using Sendcat.Reliability.ToolCache;
using Sendcat.Reliability.ToolJobs;
using Sendcat.Reliability.ToolJobs.Lanes;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/snapshot</c>: the guards, the queue and the settings in one response.</summary>
internal sealed class SnapshotOps(
    SnapshotStore store, ToolJobStatistics jobs, DeadLetters letters, QueueAlerts alerts, Circuits circuits, Bulkheads bulkheads,
    ToolCache cache, CostLedger costs,
    ProviderCatalog providers, LaneCatalog lanes, KnobRegistry knobs, CurrentKnobs now, TimeProvider time)
{
    private const int MaxWindowMinutes = 1_440;
    private const int FewestRows = 5;

    public static void Map(RouteGroupBuilder ops) =>
        ops.MapGet("/snapshot", ReadAsync).As(
            "ops.snapshot",
            "Snapshot: settings, limits, admission, circuits, bulkheads, webhooks, cache, tool queue, costs and suspended accounts", 400);

    private static async Task<Results<Ok<SnapshotView>, ApiError>> ReadAsync(SnapshotOps snapshots, CurrentKnobs knobs, string? minutes,
        string? limit, CancellationToken cancellationToken)
    {
        var options = knobs.Of<OpsOptions>();
        return !Read("minutes", minutes, options.DefaultWindowMinutes, 1, MaxWindowMinutes).TryGet(out var window, out var refusal)
            || !Read("limit", limit, options.MaxRowsPerSection, FewestRows, options.MaxRowsPerSection).TryGet(out var rows, out refusal)
            ? refusal
            : TypedResults.Ok(await snapshots.TakeAsync(window, rows, cancellationToken));
    }

    private static Outcome<int> Read(string name, string? text, int fallback, int min, int max) =>
        string.IsNullOrEmpty(text) ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max ? value
        : ApiError.InvalidRequest($"{name} must be {min} to {max}");

    /// <param name="minutes">The window, 1–1440.</param>
    /// <param name="limit">Most rows of a list.</param>
    private async Task<SnapshotView> TakeAsync(int minutes, int limit, CancellationToken cancellationToken)
    {
        var window = TimeSpan.FromMinutes(minutes);
        var generatedAt = time.GetUtcNow();
        // On connections of their own, so that the slowest decides.
        var counts = store.ReadAsync(generatedAt - window, limit, cancellationToken);
        var queue = jobs.ReadAsync(window, cancellationToken);
        var dead = letters.ListAsync(new(Limit: limit), null, cancellationToken);
        var queueAlerts = alerts.ListAsync(null, limit, cancellationToken);
        var inFlight = bulkheads.InFlightAsync(cancellationToken).AsTask();
        var cached = cache.StatisticsAsync(cancellationToken);
        var spent = costs.SumAsync(generatedAt - window, cancellationToken);
        await Task.WhenAll(counts, queue, dead, queueAlerts, inFlight, cached, spent);
        var (reading, slots, entries) = (await counts, await inFlight, await cached);
        return new(generatedAt.UtcDateTime, minutes, Config())
        {
            RateLimitPressure = RateLimitPressureView.Of(reading),
            ChatAdmission = ChatAdmissionView.Of(reading.Events, now.Of<AdmissionOptions>().AllowedEventSamplePct),
            CircuitBreakers = CircuitsView.Of(circuits.States(), limit),
            Bulkheads = new(slots.Values.Sum(), slots),
            ReplayProtection = ReplayProtectionView.Of(reading.Replays),
            ToolCache = new(entries.Values.Sum(), entries),
            ToolJobs = SnapshotJobsView.Of(await queue, await dead),
            ToolQueueAlerts = QueueAlertsView.Of(reading.QueueAlertsInWindow, await queueAlerts),
            Cost = CostView.Of(await spent, limit, now.Of<RateLimitOptions>().BudgetUsdPerPrincipalPerDay),
            SuspendedAccounts = AccountView.Of(circuits.States(), reading.Suspensions),
        };
    }

    private SnapshotConfig Config()
    {
        var limits = now.Of<RateLimitOptions>();
        var (web, products, global) = (now.Of<SearchWebOptions>(), now.Of<SearchProductsOptions>(), now.Of<SearchGlobalOptions>());
        return new(
            Enum.GetValues<RateLimitBucket>().ToDictionary(NameOf, bucket => LimitOf(limits, bucket), StringComparer.Ordinal),
            providers.All.ToDictionary(
                provider => provider.Name, provider => CircuitConfig.Of(providers.LimitsOf(provider.Name)), StringComparer.Ordinal),
            providers.All.ToDictionary(
                provider => provider.Name, provider => BulkheadConfig.Of(providers.LimitsOf(provider.Name)), StringComparer.Ordinal),
            AdmissionConfig.Of(now.Of<AdmissionOptions>()), GatewayConfig.Of(now.Of<ChatGatewayOptions>()),
            RoutesConfig.Of(now.Of<ProviderRouteOptions>()),
            RegionConfig.Of(now.Of<RegionOptions>()),
            new(web.CacheTtlMs, products.CacheTtlMs, global.CacheTtlMs),
            new($"search_web_{web.CacheVersion}", $"search_products_{products.CacheVersion}", $"search_global_{global.CacheVersion}"),
            ToolJobsConfig.Of(now.Of<ToolJobOptions>(), lanes), ToolQueueAlertsConfig.Of(now.Of<ToolQueueAlertOptions>()), knobs.Rejected);
    }

    private static RateLimitConfig LimitOf(RateLimitOptions limits, RateLimitBucket bucket)
    {
        var (max, window) = limits.Of(bucket);
        return new(max, (int)window.TotalMilliseconds);
    }

    /// <summary>Some webhooks have longer names in the snapshot than in events.</summary>
    private static string NameOf(RateLimitBucket bucket) => bucket switch
    {
        RateLimitBucket.GmailPush => "gmailPushWebhook",
        RateLimitBucket.GmailOAuthCallback => "gmailOAuthCallback",
        RateLimitBucket.WhatsAppWebhook => "whatsappWebhook",
        RateLimitBucket.WhatsAppLinkingCode => "whatsappLinkingCode",
        _ => JsonNamingPolicy.CamelCase.ConvertName(bucket.ToString()),
    };
}
