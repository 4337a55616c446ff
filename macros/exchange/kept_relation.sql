{% macro kept_relation(name) %}
    {#- The table of a model of this package that keeps rows, where a model has to read it that runs before; none while
        dbt parses, and as long as there is no such table. -#}
    {{- return(account_mapping._exchange_model(name) if execute else none) -}}
{% endmacro %}
