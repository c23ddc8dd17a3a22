using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Threads;

namespace Sendcat.ApiService.Chat;

/// <summary>Which model answers a turn, and whether it may and can be asked.</summary>
internal sealed class TurnModel(ModelAccess access, RouteOutlook outlook)
{
    /// <summary>What is no model, or one that the caller may not ask, is refused before anything is read or taken.</summary>
    public ApiError? Refuses(Principal principal, string? requested) =>
        requested is null ? null
        : !ModelCatalogue.IsModelId(requested) ? ApiError.InvalidRequest("Invalid request: modelId is not the id of a model")
        : access.Allows(requested, principal.HasGuestLimits) ? null
        : ApiError.Forbidden(ThreadModels.NotAllowed);

    /// <summary>
    /// The model that the request names, else the thread's. A thread whose model is not allowed any more, because it was taken off the list, became dearer or came with a copy, goes on with the default model:
    /// the conversation is its owner's, and nobody asked for that model just now.
    /// </summary>
    /// <returns>Null: the operator's default.</returns>
    public string? Of(Principal principal, string? requested, ThreadHistory thread) =>
        requested ?? (thread.ChosenModel is { } chosen && access.Allows(chosen, principal.HasGuestLimits) ? chosen : null);

    /// <summary>Every route for the model is suspended: told at once, and nothing is taken.</summary>
    public ApiError? Suspended(string? model) => outlook.SuspendedFor(model) is { } wait ? ApiError.UpstreamUnavailable(wait) : null;
}
