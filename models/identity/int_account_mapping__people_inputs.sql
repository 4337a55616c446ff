{#- A view: what could not be read stays in the loader's tables. -#}
{{ config(materialized='view') }}
{%- set text = dbt.type_string() -%}
{% if not var('account_mapping__people') %}
{{ account_mapping.no_rows({
    'side': text, 'partner_id': text, 'account_id': text, 'source': text, 'contact_id': text, 'raw_email': text, 'raw_role': text,
}) }}
{% else %}
with

contacts as (

    select * from {{ ref('int_account_mapping__contact_rows') }}
    where record_state = 'current'

),

account_ids as (

    select * from {{ ref('int_account_mapping__account_ids') }}

),

partner_contacts as (

    select * from {{ ref('int_account_mapping__partner_contact_rows') }}
    where record_state = 'current'

),

listed_emails as (

    {{ account_mapping.explode_items(
        'contacts', 'emails', keep=['source_relation', 'source_table', 'source_contact_id', 'source_account_id', 'job_title']
    ) }}

),

-- Pipedrive keeps e-mails as objects
emails as (

    select
        source_relation,
        source_table,
        source_contact_id,
        source_account_id,
        job_title,
        {{ account_mapping.clean_text(
            account_mapping.object_field('item', ['value'], otherwise_itself=true)
        ) }} as email

    from listed_emails

),

final as (

    select
        'ours' as side,
        '' as partner_id,
        account_ids.account_id,
        emails.source_relation || '.' || emails.source_table as source,
        emails.source_relation || ':' || emails.source_contact_id as contact_id,
        emails.email as raw_email,
        emails.job_title as raw_role

    from emails
    inner join account_ids
        on
            emails.source_relation = account_ids.source_relation
            and emails.source_account_id = account_ids.source_account_id
    where emails.email is not null

    union all

    select
        'partner' as side,
        partner_id,
        account_id,
        'partners.partner_contacts' as source,
        cast(null as {{ text }}) as contact_id,
        email as raw_email,
        job_title as raw_role

    from partner_contacts

)

select * from final
{% endif %}
