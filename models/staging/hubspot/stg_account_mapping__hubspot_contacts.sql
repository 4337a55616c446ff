{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'contact') }}

),

listed as (

    select
        *,
        {{ account_mapping.first_item('source_account_ids') }} as first_listed

    from source

),

identified as (

    select
        *,
        {{ account_mapping.listed_company('first_listed') }} as first_account_id

    from listed

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_contact_id,
        coalesce(source_account_id, {{ account_mapping.clean_id('first_account_id') }}) as source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_into_source_contact_id,
        merged_source_contact_ids,

        ---------- strings
        emails,
        {% if account_mapping.leads_mode() != 'off' -%}
        company,
        website,
        coalesce(country_code, country_name) as country,
        state,
        city,
        postal_code,
        owner_id,
        {% endif %}
        {% if var('account_mapping__people') -%}
        job_title,
        {% endif %}

        ---------- booleans
        is_deleted,
        is_current_version,

        ---------- timestamps
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from identified

)

select * from renamed
