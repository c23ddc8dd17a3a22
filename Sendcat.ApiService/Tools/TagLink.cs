namespace Sendcat.ApiService.Tools;

/// <summary>
/// Adds the operator's affiliate parameters to the link of a product. The feature that knows them registers the delegate.
/// </summary>
/// <param name="link">A web address.</param>
/// <param name="principal">Key of the principal who sees the product.</param>
/// <returns>The link; unchanged if it leads elsewhere or nothing is configured.</returns>
internal delegate string TagLink(string link, string principal);
