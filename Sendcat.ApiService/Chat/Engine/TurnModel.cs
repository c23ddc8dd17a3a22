using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>Selects the model of a turn, and checks that the principal may use it and that a provider is available for it.</summary>
internal sealed class TurnModel(ModelAccess access, RouteAvailability availability, MoneyBudget money)
{
    /// <summary>
    /// Refuses an invalid model id, and a model that the principal may not use. Runs before the thread is read and before admission.
    /// </summary>
    /// <param name="requested">The model that the request names; null: none.</param>
    /// <returns>The error; null if the model is allowed.</returns>
    public ApiError? Check(Principal principal, string? requested) =>
        requested is null ? null
        : !ModelCatalogue.IsModelId(requested) ? ApiError.InvalidRequest("Invalid request: modelId is not the id of a model")
        : access.Allows(requested, principal.HasGuestLimits) ? null
        : ApiError.Forbidden(ThreadModels.NotAllowed);

    /// <summary>
    /// The model that the request names, else the thread's. A thread whose model is no longer allowed, because it was removed from the
    /// list, became more expensive or was set by a copied thread, continues with the default model: the request did not name the model, so
    /// it is not refused.
    /// </summary>
    /// <returns>The model id; null: the operator's default model.</returns>
    public string? Of(Principal principal, string? requested, ThreadHistory thread) =>
        requested ?? (thread.ChosenModel is { } chosen && access.Allows(chosen, principal.HasGuestLimits) ? chosen : null);

    /// <inheritdoc cref="RouteAvailability.SpillsOver"/>
    public bool SpillsOver(string? model) => availability.SpillsOver(model, pricedOnly: money.IsOn);

    /// <summary>
    /// Refuses a model whose provider routes are all suspended, and one without a price while a budget of money is set, before a slot is
    /// taken.
    /// </summary>
    /// <returns>The error; null if a route is available.</returns>
    public ApiError? Unavailable(string? model) => Suspended(model) ?? money.Check(model);

    /// <summary>As <see cref="Unavailable"/>, before the thread is read: without a requested model its own one is not known yet.</summary>
    /// <param name="requested">The model that the request names; null: none.</param>
    public ApiError? UnavailableYet(string? requested) => requested is null ? Suspended(requested) : Unavailable(requested);

    private ApiError? Suspended(string? model) => availability.SuspendedFor(model) is { } suspended
        ? ApiError.UpstreamUnavailable(
            suspended.Wait, suspended.ByOperator ? RefusalReason.RouteIsolated : RefusalReason.RouteSuspended,
            "No model is available at the moment")
        : null;
}
