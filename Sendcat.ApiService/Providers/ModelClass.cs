namespace Sendcat.ApiService.Providers;

/// <summary>What a model is for; each class has a primary and a secondary default.</summary>
internal static class ModelClass
{
    public const string Fast = "fast";
    public const string Agent = "agent";
}
