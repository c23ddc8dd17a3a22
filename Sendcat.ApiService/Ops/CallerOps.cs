using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Callers;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Snapshot;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/callers</c>: who uses most, and blocks of single callers.</summary>
internal static class CallerOps
{
    private const int MaxWindowMinutes = 1_440;

    public static void MapCallers(this RouteGroupBuilder ops)
    {
        ops.MapGet("/callers", ListAsync).As(
            "ops.callers",
            "Callers with the most turns, tokens, cost, jobs or refusals, by hashed principal and by address, and who is blocked", 400);
        ops.MapPost("/callers/block", BlockAsync).Takes<CallerBlockOrder>().As(
            "ops.blockCaller",
            "Block a principal or an address for a time, on all replicas within five seconds: its turns get 429 caller_blocked",
            413, 415);
        ops.MapPost("/callers/unblock", UnblockAsync).Takes<CallerUnblockOrder>().As(
            "ops.unblockCaller", "End the block of a caller, on all replicas within five seconds", 404, 413, 415);
    }

    private static async Task<Results<Ok<CallersView>, ApiError>> ListAsync(
        CallerTotals totals, CallerBlocks blocks, CurrentKnobs knobs, TimeProvider time, string? minutes, string? limit, string? by,
        CancellationToken cancellationToken)
    {
        var options = knobs.Of<OpsOptions>();
        var measure = string.IsNullOrEmpty(by) ? CallerTotals.Measures[0] : by;
        var window = options.DefaultWindowMinutes;
        if (!string.IsNullOrEmpty(minutes)
            && !(int.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out window)
                && window is >= 1 and <= MaxWindowMinutes))
        {
            return ApiError.InvalidRequest($"minutes must be 1 to {MaxWindowMinutes}");
        }

        if (!PageLimit.Read(limit, options.MaxRowsPerSection, options.MaxRowsPerSection).TryGet(out var rows, out var refusal))
        {
            return refusal;
        }

        if (!CallerTotals.Measures.Contains(measure))
        {
            return ApiError.InvalidRequest($"by must be {string.Join(", ", CallerTotals.Measures)}");
        }

        var now = time.GetUtcNow();
        var sums = totals.SumAsync(now.AddMinutes(-window), measure, rows, cancellationToken);
        var blocked = await blocks.ListAsync(cancellationToken);
        var until = blocked.ToDictionary(block => block.Caller, block => block.Until.UtcDateTime, StringComparer.Ordinal);
        return TypedResults.Ok(new CallersView(
            now.UtcDateTime, window,
            [.. (await sums).Select(total => CallerView.Of(total, until.TryGetValue(total.Caller, out var end) ? end : null))],
            [.. blocked.Select(CallerBlockView.Of)]));
    }

    private static async Task<Results<Ok<CallerBlockView>, ApiError>> BlockAsync(
        HttpContext http, CallerBlocks blocks, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.CallerBlockOrder, cancellationToken);
        return body.TryGet(out var order, out var refusal)
            ? TypedResults.Ok(CallerBlockView.Of(
                await blocks.BlockAsync(
                    CallerName.Parse(order.Caller)!, TimeSpan.FromMinutes(order.Minutes), OpsEndpoints.By(http), cancellationToken)))
            : refusal;
    }

    private static async Task<Results<Ok<CallerUnblocked>, ApiError>> UnblockAsync(
        HttpContext http, CallerBlocks blocks, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.CallerUnblockOrder, cancellationToken);
        if (!body.TryGet(out var order, out var refusal))
        {
            return refusal;
        }

        var caller = CallerName.Parse(order.Caller)!;
        return await blocks.UnblockAsync(caller, OpsEndpoints.By(http), cancellationToken)
            ? TypedResults.Ok(new CallerUnblocked(caller))
            : ApiError.NotFound("This caller is not blocked");
    }
}

/// <param name="Caller">
/// <c>user:#…</c> or <c>session:#…</c> as the list shows it, or an address; an IPv6 address stands for its /64.
/// </param>
/// <param name="Minutes">1 to 10080.</param>
internal sealed record CallerBlockOrder(string Caller, int Minutes) : IValidatable
{
    private const int MaxMinutes = 10_080;

    public IEnumerable<string> Problems()
    {
        if (CallerName.Parse(Caller) is null)
        {
            yield return CallerUnblockOrder.NoCaller;
        }

        if (Minutes is < 1 or > MaxMinutes)
        {
            yield return $"minutes must be 1 to {MaxMinutes}";
        }
    }
}

/// <param name="Caller">As in <see cref="CallerBlockOrder"/>.</param>
internal sealed record CallerUnblockOrder(string Caller) : IValidatable
{
    public const string NoCaller = "caller must be user:# or session:# with 16 hexadecimal digits, or an address";

    public IEnumerable<string> Problems()
    {
        if (CallerName.Parse(Caller) is null)
        {
            yield return NoCaller;
        }
    }
}

internal sealed record CallerUnblocked(string Caller);

/// <summary>What callers used in the window.</summary>
/// <param name="Items">Those with the most first. Principals and addresses are different rows: a turn counts for both.</param>
/// <param name="Blocked">The blocks in force, the newest first.</param>
internal sealed record CallersView(
    DateTime GeneratedAt, int WindowMinutes, IReadOnlyList<CallerView> Items, IReadOnlyList<CallerBlockView> Blocked);

/// <param name="Caller"><c>user:#…</c>, <c>session:#…</c> with the hash of the id, or <c>ip:…</c>.</param>
/// <param name="Turns">Turns that called a model and ended in the window.</param>
/// <param name="Usd">US dollars, exact, of the calls with a known price.</param>
/// <param name="Jobs">Tool jobs that were created in the window; of principals alone.</param>
/// <param name="Refusals">Requests that a limit or a block refused.</param>
internal sealed record CallerView(
    string Caller, long Turns, long Jobs, long Refusals, long Tokens, decimal Usd, long UnpricedTurns, DateTime? BlockedUntil)
{
    public static CallerView Of(CallerTotal total, DateTime? blockedUntil) => new(
        total.Caller, total.Turns, total.Jobs, total.Refusals, total.Tokens, CostView.Dollars(total.MicroUsd), total.UnpricedTurns,
        blockedUntil);
}

internal sealed record CallerBlockView(string Caller, DateTime Until, DateTime BlockedAt, string BlockedBy, string Reason)
{
    public static CallerBlockView Of(CallerBlock block) =>
        new(block.Caller, block.Until.UtcDateTime, block.BlockedAt.UtcDateTime, block.BlockedBy, block.Reason);
}
