{#- A view: addresses stay in the loader's tables. HubSpot's contacts have ids like its companies', so that they need a
    prefix to be told from them. -#}
{{ config(materialized='view') }}
{%- set text = dbt.type_string() -%}
{%- set has_salesforce = account_mapping.uses_crm('salesforce') -%}
{%- set columns = {
    'source_relation': text, 'source_table': text, 'source_lead_id': text, 'converted_source_account_id': text,
    'owner_id': text, 'owner_name': text, 'emails': text, 'company': text, 'website': text, 'country': text,
    'state': text, 'city': text, 'postal_code': text, 'updated_at': 'timestamp', 'extracted_at': 'timestamp',
    'row_problem': text, 'notes': text, 'record_state': text,
} %}
{% if account_mapping.leads_mode() == 'off' %}
{{ account_mapping.no_rows(dict(columns, email_host=text)) }}
{% else %}
with
{% if has_salesforce %}
salesforce_leads as (

    select * from {{ ref('stg_account_mapping__salesforce_leads') }}

),

known_accounts as (

    select distinct
        source_relation,
        source_account_id

    from {{ ref('stg_account_mapping__salesforce_accounts') }}

),

ranked as (

    {{ account_mapping.ranked_records('salesforce_leads', ['source_relation', 'source_lead_id'], [
        'is_converted', 'converted_source_account_id', 'company', 'website', 'emails', 'country', 'state', 'city',
        'postal_code', 'owner_id', 'owner_name',
    ]) | indent(4) }}

),

-- a lead that was converted is its account, and counts there
converted as (

    select
        ranked.source_relation,
        ranked.source_table,
        ranked.source_lead_id,
        ranked.converted_source_account_id,
        ranked.owner_id,
        ranked.owner_name,
        ranked.emails,
        ranked.company,
        ranked.website,
        ranked.country,
        ranked.state,
        ranked.city,
        ranked.postal_code,
        ranked.updated_at,
        ranked.extracted_at,
        case
            when ranked.record_state = 'current' and ranked.is_converted and known_accounts.source_account_id is null
                then 'converted_lead_without_account'
            else ranked.row_problem
        end as row_problem,
        ranked.notes,
        case
            when ranked.record_state <> 'current' or not ranked.is_converted then ranked.record_state
            when known_accounts.source_account_id is not null then 'merged'
            else 'rejected'
        end as record_state

    from ranked
    left join known_accounts
        on
            ranked.source_relation = known_accounts.source_relation
            and ranked.converted_source_account_id = known_accounts.source_account_id

),
{% endif %}
contacts as (

    select * from {{ ref('int_account_mapping__contact_rows') }}
    where is_lead

),

leads as (
    {% if has_salesforce %}
    select
        {{- account_mapping.typed_columns(columns) }}

    from converted

    union all
    {% endif %}
    select
        source_relation,
        source_table,
        'contact:' || source_contact_id as source_lead_id,
        cast(null as {{ text }}) as converted_source_account_id,
        owner_id,
        cast(null as {{ text }}) as owner_name,
        emails,
        company,
        website,
        country,
        state,
        city,
        postal_code,
        updated_at,
        extracted_at,
        row_problem,
        notes,
        record_state

    from contacts

),

final as (

    select
        *,
        case
            when emails like '%_@_%' then {{ account_mapping.clean_text("lower(split_part(emails, '@', 2))") }}
        end as email_host

    from leads

)

select * from final
{% endif %}
