using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Threads;

/// <summary>
/// The models that a caller may set for a thread. A thread without a model uses the operator's default model, whatever the caller may use.
/// </summary>
internal sealed class ThreadModels(ModelAccess access, ModelCatalogue catalogue, RoutePlan routes)
{
    public const string NotAllowed = "model not allowed";

    public ApiError? Check(Principal principal, string? modelId) =>
        string.IsNullOrEmpty(modelId) || access.Allows(modelId, principal.HasGuestLimits) ? null : ApiError.Forbidden(NotAllowed);

    /// <summary>The models that the caller may use: the default model first, then the others by name.</summary>
    public IReadOnlyList<ModelView> Of(Principal principal) =>
    [
        .. access.AllowedTo(principal.HasGuestLimits)
            .Select(View)
            .OrderByDescending(model => model.IsDefault)
            .ThenBy(model => model.Name, StringComparer.OrdinalIgnoreCase)
            .ThenBy(model => model.Id, StringComparer.Ordinal),
    ];

    private ModelView View(string model)
    {
        var capability = catalogue.CapabilityOf(model);
        var price = catalogue.PriceOf(model);
        return new(
            model, catalogue.NameOf(model), catalogue.ClassOf(model), capability.NativeTools, capability.Vision, price?.Input,
            price?.Output, model == routes.DefaultModel);
    }
}
