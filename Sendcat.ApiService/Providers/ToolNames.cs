namespace Sendcat.ApiService.Providers;

/// <summary>Names of the tools that the code of the providers refers to.</summary>
internal static class ToolNames
{
    public const string SearchWeb = "search_web";
    public const string SearchProducts = "search_products";
    public const string SearchGlobal = "search_global";
}
