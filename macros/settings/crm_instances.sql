{% macro crm_instances(kind=none) %}
    {#- The CRMs in use as [{name, kind, schema, database}], of one kind or of all, ordered by kind and then as var
        account_mapping__crms names them; what it should not hold is check_crms' business.

        name: the source_relation of its rows, by default the kind. schema, database: none where vars <name>_schema and
        <name>_database, or the defaults, say where its tables are. -#}
    {%- set instances = [] -%}
    {%- for supported in account_mapping.supported_crms() if kind is none or supported == kind -%}
        {%- for entry in account_mapping.as_list(var('account_mapping__crms', [])) -%}
            {%- set named = entry if entry is mapping else {'name': entry, 'kind': entry} -%}
            {%- if (named.get('kind') or named.get('name')) == supported -%}
                {%- do instances.append({
                    'name': named.get('name') or supported,
                    'kind': supported,
                    'schema': named.get('schema'),
                    'database': named.get('database'),
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(instances) -}}
{% endmacro %}
