namespace Sendcat.ApiService.Providers;

/// <summary>The classes of models. Each class has a primary and a secondary default model.</summary>
internal static class ModelClass
{
    public const string Fast = "fast";
    public const string Agent = "agent";
}
