using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Threads;

/// <summary>Which models a caller may choose for a thread: those that the caller may ask, the one that every thread gets, which is nobody's choice, and what cannot be a model, which is never asked.</summary>
internal sealed class ThreadModels(ModelAccess access)
{
    public const string NotAllowed = "model not allowed";

    public ApiError? Refuses(Principal principal, string? modelId) =>
        modelId is null or ThreadRules.DefaultModel || !ModelCatalogue.IsModelId(modelId) || access.Allows(modelId, principal.HasGuestLimits) ? null : ApiError.Forbidden(NotAllowed);
}
