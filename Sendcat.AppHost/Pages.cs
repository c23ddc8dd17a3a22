namespace Sendcat.AppHost;

/// <summary>What the dashboard links to.</summary>
internal static class Pages
{
    /// <summary>The link of the resource opens this page of its endpoint "http"; further endpoints are shown in the details alone.</summary>
    public static IResourceBuilder<ProjectResource> WithPage(this IResourceBuilder<ProjectResource> service, string name, string path) =>
        service.WithUrls(context =>
        {
            foreach (var url in context.Urls)
            {
                if (url.Endpoint?.EndpointName == "http")
                {
                    url.DisplayText = name;
                    url.Url = url.Url.TrimEnd('/') + path;
                }
                else
                {
                    url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
                }
            }
        });
}
