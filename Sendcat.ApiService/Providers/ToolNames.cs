namespace Sendcat.ApiService.Providers;

/// <summary>Tools that the reading and prompting of models knows by name.</summary>
internal static class ToolNames
{
    public const string SearchWeb = "search_web";
    public const string SearchProducts = "search_products";
    public const string SearchGlobal = "search_global";
}
