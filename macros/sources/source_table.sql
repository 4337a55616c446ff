{% macro source_table(source_name, table_name, required=false, instance=none) %}
    {#- The relation that holds a source table, or none where there is no such table.

        instance: the CRM of crm_instances that it belongs to; without one, the source is its own name.
        Var <name>_<table>_model names a model of the user's project in place of the table. Else `source()` is called
        for lineage only: which table is read is settled when the model runs, from the vars <name>_database,
        <name>_schema and <name>_<table>_identifier, else by the names of source_table_names, whatever their case: the
        first one that holds rows, or the first one there is. A missing required table is an error. -#}
    {%- set name = instance['name'] if instance else source_name -%}
    {%- set model_name = var(name ~ '_' ~ table_name ~ '_model', none) -%}
    {%- if model_name -%}
        {%- do account_mapping._check_is_name(name ~ '_' ~ table_name ~ '_model', model_name) -%}
        {%- set relation = ref(model_name) -%}
        {{- return(relation if execute else none) -}}
    {%- endif -%}

    {%- set lineage = source(source_name, table_name) if name == source_name else none -%}
    {%- if not execute -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set found = account_mapping.source_tables_found(source_name, table_name, instance) -%}
    {%- if found -%}
        {{- return(found[0]) -}}
    {%- endif -%}
    {%- if required and account_mapping.is_building() -%}
        {%- set place = account_mapping._source_schema(source_name, instance, lineage) -%}
        {%- set identifier_var = name ~ '_' ~ table_name ~ '_identifier' -%}
        {%- set identifier = var(identifier_var, none) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the table `" ~ table_name ~ "` of " ~ name ~ " was not found. Looked in "
            ~ ([place.database, place.schema] | select | join(".")) ~ " for: "
            ~ (([identifier] if identifier else account_mapping.source_table_names(source_name, table_name)) | join(', '))
            ~ ". Say where it is by the vars " ~ name ~ "_database, " ~ name ~ "_schema and " ~ identifier_var
            ~ ", or name a model of yours in " ~ name ~ "_" ~ table_name ~ "_model"
            ~ ((", or take " ~ name ~ " out of var account_mapping__crms")
                if source_name in account_mapping.supported_crms() else "") ~ "."
        ) -%}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}

{% macro source_tables_found(source_name, table_name, instance=none) %}
    {#- The relations of a source that bear one of the names of source_table_names or, alone, the one that its
        identifier var names: the one to read first, then the others that hold rows. -#}
    {%- set name = instance['name'] if instance else source_name -%}
    {%- set lineage = source(source_name, table_name) if name == source_name else none -%}
    {%- set place = account_mapping._source_schema(source_name, instance, lineage) -%}
    {%- set identifier = var(name ~ '_' ~ table_name ~ '_identifier', none) -%}
    {%- if identifier -%}
        {%- do account_mapping._check_is_name(name ~ '_' ~ table_name ~ '_identifier', identifier) -%}
    {%- endif -%}
    {%- set tables = {} -%}
    {%- for row in account_mapping.schema_tables(place) -%}
        {#- an exact name wins over one in other case -#}
        {%- do tables.update({(row['name'] | lower): row} if (row['name'] | lower) not in tables else {}) -%}
        {%- do tables.update({row['name']: row}) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for candidate in ([identifier] if identifier else account_mapping.source_table_names(source_name, table_name)) -%}
        {%- set row = tables.get(candidate) or tables.get(candidate | lower) -%}
        {%- if row -%}
            {%- do found.append(api.Relation.create(
                database=place.database, schema=row['schema'], identifier=row['name'])) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if found | length < 2 -%}
        {{- return(found) -}}
    {%- endif -%}
    {#- a loader that was given up leaves its tables behind, often empty -#}
    {%- set full = [] -%}
    {%- for relation in found -%}
        {%- if run_query('select 1 from ' ~ relation ~ ' limit 1').rows | length -%}
            {%- do full.append(relation) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(full or [found[0]]) -}}
{% endmacro %}

{% macro _source_schema(source_name, instance, lineage) %}
    {#- Where the tables of a source are, as a relation without a table. -#}
    {%- set name = instance['name'] if instance else source_name -%}
    {%- for part in ['schema', 'database'] -%}
        {%- do account_mapping._check_is_name(name ~ '_' ~ part, var(name ~ '_' ~ part, none)) -%}
        {%- if instance -%}
            {%- do account_mapping._check_is_name('account_mapping__crms: ' ~ name ~ ': ' ~ part, instance[part]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set schema = (instance['schema'] if instance else none) or var(name ~ '_schema', none) -%}
    {%- set database = (instance['database'] if instance else none) or var(name ~ '_database', none) -%}
    {{- return(api.Relation.create(
        database=database or (lineage.database if lineage else target.get('database')),
        schema=schema or (lineage.schema if lineage else name),
    )) -}}
{% endmacro %}

{% macro _check_is_name(setting, value) %}
    {#- One clear error when a setting that takes one name holds something else, such as a list, or a name that dbt
        cannot quote. -#}
    {%- if value is not none and value is not string -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: " ~ setting ~ " takes one name, but holds: " ~ value ~ ". A second schema of one kind is a"
            ~ " CRM of its own: account_mapping__crms: [salesforce, {name: salesforce_emea, kind: salesforce, schema:"
            ~ " sf_emea}]."
        ) -%}
    {%- elif value is not none and '"' in value -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: " ~ setting ~ " holds a double quotation mark, which dbt cannot quote: " ~ value
            ~ ". Give the table another name, or make a view of it that has one."
        ) -%}
    {%- endif -%}
{% endmacro %}
