"""The product's addresses, and the floors behind its middleware."""

from benchmarks.floor_urls import urlpatterns as floors
from config import urls as product

urlpatterns = [*floors, *product.urlpatterns]
handler400, handler403 = product.handler400, product.handler403
handler404, handler500 = product.handler404, product.handler500
