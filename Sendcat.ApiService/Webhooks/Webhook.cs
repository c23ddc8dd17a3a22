namespace Sendcat.ApiService.Webhooks;

/// <summary>A service that delivers to this API.</summary>
/// <param name="Name">The name in metrics and logs.</param>
/// <param name="Budget">The budget of deliveries that fail authentication: a name of <see cref="Http.RequestBudget"/>.</param>
internal sealed record Webhook(string Name, string Budget)
{
    public override string ToString() => Name;
}
