{{ config(
    materialized='view',
    enabled='hubspot' in var('account_mapping__crms', []),
) }}

with

contacts as (

    select * from {{ ref('stg_account_mapping__hubspot_contacts') }}

),

listed_companies as (

    {{ explode_items('contacts', 'source_account_ids', keep=['source_contact_id']) }}

),

first_listed as (

    select
        source_contact_id,
        {{ clean_id(object_field('item', ['id', 'toObjectId', 'company_id'], otherwise_itself=true)) }}
            as source_account_id,
        row_number() over (
            partition by source_contact_id order by position, item
        ) as row_rank

    from listed_companies

),

final as (

    select
        contacts.source_contact_id,
        coalesce(contacts.source_account_id, first_listed.source_account_id) as source_account_id,
        contacts.email,
        contacts.is_deleted,
        contacts.is_current_version

    from contacts
    left join first_listed
        on
            contacts.source_contact_id = first_listed.source_contact_id
            and first_listed.row_rank = 1

)

select * from final
