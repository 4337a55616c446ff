{{ config(
    materialized='view',
    enabled='pipedrive' in var('account_mapping__crms', []),
) }}

with

persons as (

    select * from {{ ref('stg_account_mapping__pipedrive_persons') }}

),

listed_emails as (

    {{ account_mapping.explode_items('persons', 'emails', keep=['source_contact_id']) }}

),

emails as (

    select distinct
        source_contact_id,
        {{ account_mapping.clean_text(
            account_mapping.object_field('item', ['value'], otherwise_itself=true)
        ) }} as email

    from listed_emails

),

final as (

    -- a person without e-mail still is a contact
    select
        persons.source_contact_id,
        persons.source_account_id,
        emails.email,
        persons.is_deleted,
        true as is_current_version

    from persons
    left join emails
        on
            persons.source_contact_id = emails.source_contact_id
            and emails.email is not null

)

select * from final
