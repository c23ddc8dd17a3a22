using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Bulkheads;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.KnobChanges;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/routes</c>: the routes to the models; drains, tests and models of them.</summary>
internal static class RouteOps
{
    private const string FastPrimary = "CHAT_MODEL_FAST_PRIMARY";
    private const string FastSecondary = "CHAT_MODEL_FAST_SECONDARY";
    private const string AgentPrimary = "CHAT_MODEL_AGENT_PRIMARY";
    private const string AgentSecondary = "CHAT_MODEL_AGENT_SECONDARY";

    /// <summary>The value of the knobs of a drain.</summary>
    private const string NotDrained = "0";

    public static void MapRoutes(this RouteGroupBuilder ops)
    {
        ops.MapGet("/routes", ListAsync)
            .As("ops.routes", "Routes to the models: circuit, slots in use, models, and the share that is drained");
        ops.MapPost("/routes/{id}/drain", DrainAsync).As(
            "ops.drainRoute",
            "Drain a route: this share of turns starts on the other one, while that one works; 0 ends it; with ?forSeconds= for a time",
            400, 404);
        ops.MapPost("/routes/{id}/test", TestAsync).As(
            "ops.testRoute",
                "Test a route now: one real model call, which ignores its circuit and costs a few tokens; "
                + "a failure is a result with ok false", 400, 404);
        ops.MapPost("/routes/models", SetModelsAsync).Takes<RouteModels>().As(
            "ops.setRouteModels",
                "Change the models of the routes: all given ones together or none, or swap primary and secondary of a class", 400, 413,
                415);
    }

    private static async Task<Ok<Page<RouteView>>> ListAsync(
        RoutePlan plan, CurrentKnobs knobs, KnobRegistry registry, Circuits circuits, Bulkheads bulkheads,
        CancellationToken cancellationToken)
    {
        var (options, account, failover) = (knobs.Of<ProviderRouteOptions>(), knobs.Of<OpenRouterOptions>(),
            knobs.Of<ChatGatewayOptions>().ProviderFailoverEnabled);
        var inFlight = await bulkheads.InFlightAsync(cancellationToken);
        var (fast, agent, states) = (plan.OfClass(ModelClass.Fast), plan.OfClass(ModelClass.Agent), circuits.States());
        return TypedResults.Ok(new Page<RouteView>(
            [
                .. ProviderRoute.Ids.Select(id =>
                {
                    var (one, other) = (fast.Single(route => route.Id == id), agent.Single(route => route.Id == id));
                    return new RouteView(
                        id, CircuitView.Of(states.Single(circuit => circuit.Provider == one.Guard)), inFlight.GetValueOrDefault(one.Guard),
                        bulkheads.LimitsOf(one.Guard).MaxConcurrent, new(one.Model, other.Model), DrainOf(options, id),
                        Uri.TryCreate(one.BaseUrl, UriKind.Absolute, out var address) ? address.Authority : "",
                            one.ApiKey != account.ApiKey, failover)
                    {
                        DrainUntil = registry.Read(registry.Find(DrainKnob(id))!).Override?.Until?.UtcDateTime,
                    };
                }),
            ],
            null));
    }

    private static async Task<Results<Ok<RouteDrained>, ApiError>> DrainAsync(
        HttpContext http, string id, string? percent, string? forSeconds, KnobOverrideStore store, KnobRegistry knobs,
        CancellationToken cancellationToken)
    {
        if (!ProviderRoute.Ids.Contains(id))
        {
            return NoSuchRoute();
        }

        if (!int.TryParse(percent, NumberStyles.None, CultureInfo.InvariantCulture, out var share) || share > 100)
        {
            return ApiError.InvalidRequest("percent must be 0 to 100");
        }

        if (!GivenTerm.Read(forSeconds).TryGet(out var term, out var refusal))
        {
            return refusal;
        }

        // Zero returns to the configuration, unless that drains the route as well: no change of an operator is left.
        var (knob, by) = (knobs.Find(DrainKnob(id))!, OpsEndpoints.By(http));
        var change = share == 0 && term.Term is null && knobs.Read(knob).Configured == NotDrained
            ? await store.SetAsync(knob.Name, null, by, cancellationToken)
            : await store.SetAsync(knob.Name, share.ToString(CultureInfo.InvariantCulture), term.Term, by, cancellationToken);
        return change.Accepted ? TypedResults.Ok(new RouteDrained(id, share) { Until = change.Until?.UtcDateTime })
            : ApiError.InvalidRequest($"{knob.Name}: {change.Reason}");
    }

    private static async Task<Results<Ok<RouteTested>, ApiError>> TestAsync(
        HttpContext http, string id, [FromQuery(Name = "class")] string? modelClass, RouteProbe probe, CurrentKnobs knobs,
        OperatorAudit audit,
        CancellationToken cancellationToken)
    {
        if (!ProviderRoute.Ids.Contains(id))
        {
            return NoSuchRoute();
        }

        if (!string.IsNullOrEmpty(modelClass) && modelClass is not (ModelClass.Fast or ModelClass.Agent))
        {
            return ApiError.InvalidRequest("class must be fast or agent");
        }

        modelClass = string.IsNullOrEmpty(modelClass) ? knobs.Of<ProviderRouteOptions>().DefaultModelClass : modelClass;
        var tested = await audit.RecordAsync(
            OpsEndpoints.By(http), "route.test", id,
            async () =>
            {
                var result = RouteTested.Of(await probe.RunAsync(id, modelClass, cancellationToken));
                var outcome = result.Ok ? "works" : result.Code;
                return (result, string.Create(CultureInfo.InvariantCulture, $"{result.Model}: {outcome} after {result.TotalMs} ms"));
            },
            cancellationToken);
        return TypedResults.Ok(tested);
    }

    private static async Task<Results<Ok<RouteModelsChanged>, ApiError>> SetModelsAsync(
        HttpContext http, KnobOverrideStore store, CurrentKnobs knobs, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OpsJson.Default.RouteModels, cancellationToken);
        if (!body.TryGet(out var models, out var refusal))
        {
            return refusal;
        }

        var change = await store.SetAllAsync(
            models.Settings(knobs.Of<ProviderRouteOptions>()), null, OpsEndpoints.By(http), cancellationToken);
        return change.Refused is { } refused
            ? ApiError.InvalidRequest($"{refused.Name}: {refused.Reason}")
            : TypedResults.Ok(
                new RouteModelsChanged([.. change.Changes.Select(each => new KnobChanged(each.Name, each.Before, each.Now))]));
    }

    private static ApiError NoSuchRoute() => ApiError.NotFound("No such route; there are primary and secondary");

    private static string DrainKnob(string id) =>
        id == ProviderRoute.Primary ? "CHAT_PROVIDER_PRIMARY_DRAIN_PCT" : "CHAT_PROVIDER_SECONDARY_DRAIN_PCT";

    private static int DrainOf(ProviderRouteOptions options, string id) =>
        id == ProviderRoute.Primary ? options.PrimaryDrainPercent : options.SecondaryDrainPercent;

    /// <summary>The settings that an order changes.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Settings(this RouteModels order, ProviderRouteOptions now) =>
        order.Swap switch
    {
        ModelClass.Fast => [(FastPrimary, now.FastSecondaryModel), (FastSecondary, now.FastPrimaryModel)],
        ModelClass.Agent => [(AgentPrimary, now.AgentSecondaryModel), (AgentSecondary, now.AgentPrimaryModel)],
        _ =>
        [
            .. new (string Name, string? Model)[]
            {
                (FastPrimary, order.FastPrimary), (FastSecondary, order.FastSecondary), (AgentPrimary, order.AgentPrimary),
                (AgentSecondary, order.AgentSecondary),
            }.Where(setting => setting.Model is not null).Select(setting => (setting.Name, setting.Model!)),
        ],
    };
}

/// <param name="Circuit">As this replica sees it.</param>
/// <param name="InFlight">Slots in use over all replicas.</param>
/// <param name="Models">The model of each class.</param>
/// <param name="DrainPercent">The share of starts that take the other route.</param>
/// <param name="Account">Host and port of its address.</param>
/// <param name="OwnKey">It has another key than the primary route.</param>
/// <param name="Failover">The routes stand in for each other; without it, the secondary route is not used.</param>
internal sealed record RouteView(
    string Id, CircuitView Circuit, int InFlight, int MaxConcurrent, RouteModelPair Models, int DrainPercent, string Account, bool OwnKey,
        bool Failover)
{
    /// <summary>When an operator's drain ends by itself; absent: it does not.</summary>
    public DateTime? DrainUntil { get; init; }
}

internal sealed record RouteModelPair(string Fast, string Agent);

internal sealed record RouteDrained(string Id, int DrainPercent)
{
    /// <summary>When it ends by itself; absent: it does not.</summary>
    public DateTime? Until { get; init; }
}

/// <param name="Ok">The provider answered.</param>
/// <param name="Code">The error code of a failure.</param>
/// <param name="Status">Its HTTP status.</param>
internal sealed record RouteTested(
    string Id, string Model, bool Ok, string? Code, int? Status, long? FirstTokenMs, long TotalMs, long? Tokens, decimal? CostUsd)
{
    public static RouteTested Of(ProbeResult result) => new(
        result.RouteId, result.Model, result.Code is null, result.Code, result.Status, (long?)result.FirstToken?.TotalMilliseconds,
        (long)result.Duration.TotalMilliseconds, result.Tokens, result.CostUsd);
}

/// <summary>Models of the routes: at least one, or the class whose primary and secondary model are swapped.</summary>
/// <param name="Swap"><c>fast</c> or <c>agent</c>.</param>
internal sealed record RouteModels(string? FastPrimary, string? FastSecondary, string? AgentPrimary, string? AgentSecondary, string? Swap)
    : IValidatable
{
    public IEnumerable<string> Problems()
    {
        string?[] models = [FastPrimary, FastSecondary, AgentPrimary, AgentSecondary];
        if (Swap is not null && Swap is not (ModelClass.Fast or ModelClass.Agent))
        {
            yield return "swap must be fast or agent";
        }

        if (models.Any(model => model is not null) == (Swap is not null))
        {
            yield return "say either models (fastPrimary, fastSecondary, agentPrimary, agentSecondary) or swap";
        }

        if (models.Any(model => model is not null && !ModelCatalogue.IsModelId(model)))
        {
            yield return "a model must be the id of a model";
        }
    }
}

internal sealed record RouteModelsChanged(IReadOnlyList<KnobChanged> Changes);
