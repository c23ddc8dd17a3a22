using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Providers;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary>
/// <c>/api/ops/circuits</c>, <c>bulkheads</c> and <c>clean-ups</c>: what operators read of the guards, and change by hand.
/// </summary>
internal static class GuardOps
{
    private const int DefaultSeconds = 900;
    private const int MaxSeconds = 86_400;

    public static void MapGuards(this RouteGroupBuilder ops)
    {
        ops.MapGet("/circuits", CircuitsNow).As("ops.circuits", "Circuits, the last updated first");
        ops.MapPost("/circuits/{provider}/isolate", IsolateAsync).As(
            "ops.isolateCircuit", "Isolate a provider: its circuit is open on all replicas for some seconds, then one probe decides", 404);
        ops.MapPost("/circuits/{provider}/close", CloseAsync).As("ops.closeCircuit", "Close a circuit on all replicas, also one that is isolated or suspended", 404);
        ops.MapGet("/bulkheads", BulkheadsAsync).As("ops.bulkheads", "Bulkheads: slots in use over all replicas, and the limits");
        ops.MapPost("/clean-ups/{name}", CleanUpAsync).As("ops.cleanUp", "Clean up now: delete expired events, replay-keys or tool-jobs", 404);
    }

    private static Ok<Page<CircuitView>> CircuitsNow(Circuits circuits) =>
        TypedResults.Ok(new Page<CircuitView>(CircuitsView.Of(circuits.States(), int.MaxValue).Recent, null));

    private static async Task<Results<Ok<CircuitChanged>, ApiError>> IsolateAsync(
        HttpContext http, string provider, string? seconds, Circuits circuits, ProviderCatalog providers, OperatorAudit audit, CancellationToken cancellationToken)
    {
        var duration = DefaultSeconds;
        if (!string.IsNullOrEmpty(seconds) && !(int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out duration) && duration is >= 1 and <= MaxSeconds))
        {
            return ApiError.InvalidRequest($"seconds must be 1 to {MaxSeconds}");
        }

        return await ChangeAsync(
            http, "circuit.isolate", provider, providers, circuits, audit, string.Create(CultureInfo.InvariantCulture, $"open for {duration} s"),
            token => circuits.IsolateAsync(provider, TimeSpan.FromSeconds(duration), token), cancellationToken);
    }

    private static Task<Results<Ok<CircuitChanged>, ApiError>> CloseAsync(
        HttpContext http, string provider, Circuits circuits, ProviderCatalog providers, OperatorAudit audit, CancellationToken cancellationToken) =>
        ChangeAsync(http, "circuit.close", provider, providers, circuits, audit, "closed", token => circuits.CloseAsync(provider, token), cancellationToken);

    private static async Task<Results<Ok<CircuitChanged>, ApiError>> ChangeAsync(
        HttpContext http, string action, string provider, ProviderCatalog providers, Circuits circuits, OperatorAudit audit, string done,
        Func<CancellationToken, Task<bool>> change, CancellationToken cancellationToken)
    {
        if (!providers.All.Any(known => known.Name == provider))
        {
            return ApiError.NotFound("No such provider");
        }

        // Not cancelled with its caller: between this replica and the others it would be half done.
        var shared = await audit.RecordAsync(
            OpsEndpoints.By(http), action, provider,
            async () => await change(CancellationToken.None) ? (true, done) : (false, $"{done}, on one replica: Redis was away"),
            cancellationToken);
        return TypedResults.Ok(new CircuitChanged(CircuitView.Of(circuits.States().Single(circuit => circuit.Provider == provider)), shared));
    }

    private static async Task<Ok<Page<BulkheadView>>> BulkheadsAsync(Bulkheads bulkheads, CancellationToken cancellationToken) => TypedResults.Ok(new Page<BulkheadView>(
        [.. (await bulkheads.InFlightAsync(cancellationToken)).Select(used => BulkheadView.Of(used.Key, used.Value, bulkheads.LimitsOf(used.Key)))], null));

    private static async Task<Results<Ok<CleanedUp>, ApiError>> CleanUpAsync(
        HttpContext http, string name, CleanUps cleanUps, OperatorAudit audit, CancellationToken cancellationToken)
    {
        if (!cleanUps.Names.Contains(name))
        {
            return ApiError.NotFound($"There is no such clean-up; there are {string.Join(", ", cleanUps.Names)}");
        }

        var deleted = await audit.RecordAsync(
            OpsEndpoints.By(http), "clean_up", name,
            async () =>
            {
                var rows = await cleanUps.RunAsync(name, cancellationToken);
                return (rows, string.Create(CultureInfo.InvariantCulture, $"{rows} deleted"));
            },
            cancellationToken);
        return TypedResults.Ok(new CleanedUp(name, deleted));
    }
}

/// <param name="Shared">Whether all replicas have the change; false while Redis is unavailable.</param>
internal sealed record CircuitChanged(CircuitView Circuit, bool Shared);

internal sealed record BulkheadView(string Provider, int InFlight, int MaxConcurrent, int LeaseTtlMs)
{
    public static BulkheadView Of(string provider, int inFlight, BulkheadLimits limits) =>
        new(provider, inFlight, limits.MaxConcurrent, (int)limits.LeaseTtl.TotalMilliseconds);
}

/// <param name="Deleted">Expired rows. Of tool jobs one call deletes a bounded number.</param>
internal sealed record CleanedUp(string Name, int Deleted);
