using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// Decides which models a caller may set for a thread: the models that the caller may use, the default model of every thread, and text that
/// is no model id, which is never sent to a provider.
/// </summary>
internal sealed class ThreadModels(ModelAccess access)
{
    public const string NotAllowed = "model not allowed";

    public ApiError? Check(Principal principal, string? modelId) =>
        modelId is null or ThreadRules.DefaultModel || !ModelCatalogue.IsModelId(modelId) || access.Allows(modelId, principal.HasGuestLimits)
            ? null
            : ApiError.Forbidden(NotAllowed);
}
