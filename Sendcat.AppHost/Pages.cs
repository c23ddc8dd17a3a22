namespace Sendcat.AppHost;

/// <summary>Links in the dashboard.</summary>
internal static class Pages
{
    /// <summary>
    /// Makes the link of the resource open this page of its endpoint "http". The dashboard shows other endpoints only in the details.
    /// </summary>
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
