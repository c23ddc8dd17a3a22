namespace Sendcat.AppHost;

/// <summary>Links in the dashboard.</summary>
internal static class Pages
{
    /// <summary>
    /// Makes the link of the resource open this page of its endpoint "http", and adds links to further pages of it. The dashboard shows
    /// other endpoints only in the details.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithPage(
        this IResourceBuilder<ProjectResource> service, string name, string path,
        params IReadOnlyList<(string Name, string Path)> further) =>
        service.WithUrls(context =>
        {
            foreach (var url in context.Urls.ToArray())
            {
                if (url.Endpoint?.EndpointName == "http")
                {
                    var address = url.Url.TrimEnd('/');
                    url.DisplayText = name;
                    url.Url = address + path;
                    context.Urls.AddRange(
                        further.Select(page => new ResourceUrlAnnotation { Url = address + page.Path, DisplayText = page.Name }));
                }
                else
                {
                    url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
                }
            }
        });
}
